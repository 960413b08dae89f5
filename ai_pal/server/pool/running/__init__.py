"""The life of each worker carried out: processes begin, load, end, and come or go with what is asked."""
