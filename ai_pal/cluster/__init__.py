"""Workers on other nodes: the cluster process, the agents beside workers, and engines that place agents."""
