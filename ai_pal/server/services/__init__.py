"""Operations: one table says which service carries out which request; this machine as the router sees it."""
