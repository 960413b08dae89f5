"""Processes that the supervisor keeps beside its workers: started on demand or with it, watched, ended."""
