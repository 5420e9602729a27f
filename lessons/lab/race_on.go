//go:build race

package lab

// raceEnabled tells whether this binary has the race detector in it, which
// changes what everything takes in time and memory.
const raceEnabled = true
