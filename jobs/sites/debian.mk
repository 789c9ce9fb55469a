# Nodes with Debian's packages, of different processors: copy to config.mk. One binary for all of them, and nothing is installed.
ARCH := x86-64-v3
