"""Whether a Docker engine answers here; a client without an engine counts for nothing."""

import functools
import shutil
import subprocess


@functools.cache
def docker_answers() -> bool:
    """Tell whether containers can be started; asked once per run."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        return subprocess.run([docker, "info"], capture_output=True, check=False, timeout=10).returncode == 0
    except subprocess.TimeoutExpired:
        return False
