"""Memory and machine facts of a run, on Linux."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path


def status(field: str) -> int:
    """A `kB` field of /proc/self/status in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"/proc/self/status has no {field}")


class Memory:
    """Resident memory above what the idle process (libraries imported, nothing loaded) holds."""

    def __init__(self) -> None:
        self.idle = status("VmRSS")
        self.reset()

    def reset(self) -> None:
        """Sets the kernel's high-water mark to the present size."""
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")

    def report(self) -> dict[str, int]:
        peak = status("VmHWM")
        return {"idle_rss_bytes": self.idle, "peak_rss_bytes": peak, "peak_above_idle_bytes": peak - self.idle}


def versions() -> dict[str, str]:
    packages = ("torch", "transformers", "peft", "adapters")
    return {"python": platform.python_version(), **{p: version(p) for p in packages}}
