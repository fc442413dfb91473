"""``python -m comicloss``, for example under ``accelerate launch``."""

from comicloss.cli import main

if __name__ == "__main__":
    main()
