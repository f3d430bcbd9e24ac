"""What a machine must have before anything starts, each missing thing told in one clear line."""

import re
import shutil
import subprocess

from chassis.errors import StartUpError
from ops.local.ports import is_free

_JAVA_NEEDED = 17
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


def check_java() -> str:
    """Return the path of a Java of at least 17, which Apache Kafka 4 needs; raises StartUpError."""
    java = shutil.which("java")
    advice = f"install a Java runtime {_JAVA_NEEDED} or newer (Debian and Ubuntu: apt install openjdk-17-jre-headless)"
    if java is None:
        raise StartUpError(f"no Java: `java` is not on the PATH; {advice}")
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)  # noqa: S603  # found above
    version = java_version(told.stderr)
    if version is None:
        raise StartUpError(f"no Java: {java} does not tell its version; {advice}")
    if version < _JAVA_NEEDED:
        raise StartUpError(f"Java is too old: {java} is version {version}; {advice}")
    return java


def java_version(told: str) -> int | None:
    """Return the major version in what `java -version` prints, or None; 1.8 is 8."""
    found = _VERSION.search(told)
    return int(found[1]) if found else None


def check_maven() -> str:
    """Return the path of Maven, which fetches Kafka's jars once; raises StartUpError."""
    maven = shutil.which("mvn")
    if maven is None:
        raise StartUpError("no Maven: `mvn` is not on the PATH; install it (Debian and Ubuntu: apt install maven)")
    return maven


def check_port(port: int, what: str) -> None:
    """Raise StartUpError when something else listens where `what` would."""
    if not is_free(port):
        raise StartUpError(
            f"port {port} is taken, and {what} needs it: stop what listens there, or choose another port"
        )
