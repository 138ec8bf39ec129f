package gate

// The compiled programs are committed, so that building needs no clang. The tool has a module
// file of its own; bpf/types.h stands in for the kernel's headers.
//go:generate go tool -modfile=../../../.ci/bpf.mod bpf2go -target bpfel -go-package gate -output-stem program program bpf/gate.bpf.c -- -O2 -g -Wall -Werror -mcpu=v2
