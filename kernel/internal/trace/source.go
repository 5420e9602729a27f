package trace

import (
	"regexp"
	"strings"
)

var funcLine = regexp.MustCompile(`^func (?:\(\s*\w*\s*(\*?)\s*(\w+)[^)]*\)\s*)?(\w+)`)

// FuncAt names the function that a line of a cell is in: "main.f",
// "main.(*T).M", "main.T.M"; "" outside of any. It reads the text only, for a
// cell need not parse, and goes by gofmt's layout: a function ends with a
// brace in the first column.
func FuncAt(source string, line int) string {
	name := ""
	n := 0
	for text := range strings.Lines(source) {
		n++
		if n > line {
			break
		}
		if m := funcLine.FindStringSubmatch(text); m != nil {
			switch {
			case m[2] == "":
				name = "main." + m[3]
			case m[1] != "":
				name = "main.(*" + m[2] + ")." + m[3]
			default:
				name = "main." + m[2] + "." + m[3]
			}
			if n < line && strings.HasSuffix(strings.TrimSpace(text), "}") && strings.Count(text, "{") == strings.Count(text, "}") {
				name = ""
			}
			continue
		}
		if strings.HasPrefix(text, "}") && n < line {
			name = ""
		}
	}
	return name
}
