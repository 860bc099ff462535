"""``python -m sagebridge_local.golang``: build the control plane, helm and kwok now, with the progress shown."""

import sys

from sagebridge_local.golang import BuildError, control_plane_binary, helm_binary, kwok_binary


def main() -> int:
    """Build what the cache lacks; return the exit status."""
    try:
        for build in (control_plane_binary, helm_binary, kwok_binary):
            sys.stdout.write(f"{build()}\n")
            sys.stdout.flush()
    except BuildError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
