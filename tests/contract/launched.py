"""The process that the launcher tests start: does what its arguments say."""

import os
import subprocess
import sys
import time

SECONDS = 120


def main(act: str) -> int:
    match act:
        case "exit":
            print("the last words", flush=True)
            return 3
        case "talk":
            print("\n".join(f"line {number}" for number in range(1000)), flush=True)
        case "environment":
            print(" ".join(sorted(os.environ)), flush=True)
        case "breed":
            child = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({SECONDS})"])
            print(child.pid, flush=True)
            time.sleep(SECONDS)
        case _:
            print("here", flush=True)
            time.sleep(SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[-1]))
