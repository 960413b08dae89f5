"""Operations: one table says which service carries out which request; and this machine as the router sees it."""
