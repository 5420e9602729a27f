// Package program turns a cell that is a whole program, or tests, into an
// executable by the machine's Go toolchain, and translates between the cell's
// lines and the toolchain's messages. It runs the toolchain, never the program:
// processes with output and input are the engine's.
package program
