//! The binary as a person or a script uses it: exit codes, output, signals, restart.
