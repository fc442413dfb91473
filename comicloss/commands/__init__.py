"""The commands, a file for each kind: they parse, call ``comicloss.pipeline`` and print."""
