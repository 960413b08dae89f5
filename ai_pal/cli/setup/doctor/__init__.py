"""The checks of `ai-pal doctor`, one file per part of the machine. They look and change nothing."""
