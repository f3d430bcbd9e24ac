"""`python -m ops` is `escalon`."""

from ops.cli import main

if __name__ == "__main__":
    main()
