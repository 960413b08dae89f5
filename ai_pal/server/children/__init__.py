"""Processes that the supervisor keeps beside its workers: started on demand, watched, ended when idle."""
