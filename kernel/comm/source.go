package comm

import "embed"

// Source holds this package's Go files: cells are type-checked against them
// and inspection reads its docs from them.
//
//go:embed *.go
var Source embed.FS
