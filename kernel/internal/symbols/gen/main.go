// Command gen writes yaegi's symbols of the compiled packages that cells may
// import, one file for each, into the folder it is started in. It is run by
// `go generate ./kernel`.
package main

import (
	"fmt"
	"os"

	"spindle/kernel/internal/symbols"
)

func main() {
	for _, p := range symbols.Packages {
		src, err := symbols.Generate(p)
		if err == nil {
			err = os.WriteFile(symbols.File(p), src, 0o644)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "gen: %s: %v\n", p, err)
			os.Exit(1)
		}
	}
}
