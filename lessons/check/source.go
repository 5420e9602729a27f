package check

import "embed"

// Source is this package's Go code: cells that import it are type-checked and
// documented from it.
//
//go:embed *.go
var Source embed.FS
