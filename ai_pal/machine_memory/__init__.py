"""How short of memory this machine is: the system's own figures, and those of the control groups."""

from ai_pal.machine_memory.machine import MachineMemory

__all__ = ["MachineMemory"]
