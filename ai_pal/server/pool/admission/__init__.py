"""Memory for loads on one machine: where a model goes, what it is promised, who leaves or waits for it."""
