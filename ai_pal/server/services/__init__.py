"""Operations beside answers: downloads and lists of models; and this machine as the router sees it."""
