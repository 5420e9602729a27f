package complete

import (
	"strings"
)

// magicLine finds the line around cursor and, where it is a command, its parts:
// its offset, its text up to the cursor, and the whole of it.
func magicLine(code string, cursor int) (start int, before, line string, ok bool) {
	start = strings.LastIndexByte(code[:cursor], '\n') + 1
	end := len(code)
	if i := strings.IndexByte(code[start:], '\n'); i >= 0 {
		end = start + i
	}
	line = code[start:end]
	if !isMagicLine(line) || !statementBegins(code[:start]) {
		return 0, "", "", false
	}
	return start, code[start:cursor], line, true
}

// completeMagic completes a command's name, and the Go that follows some.
func (c *Completer) completeMagic(scope Scope, code string, cursor int) (Result, bool) {
	first, end := cellMagic(code)
	if first != "" && cursor > end {
		return Result{Start: cursor, End: cursor}, isText(first)
	}
	start, before, _, ok := magicLine(code, cursor)
	if !ok {
		return Result{}, false
	}
	word := strings.TrimLeft(before, " \t")
	at := start + len(before) - len(word)
	name, rest, hasArgs := strings.Cut(word, " ")
	if !hasArgs {
		r := Result{Start: at, End: cursor}
		for _, m := range c.cfg.Magics {
			if strings.HasPrefix(m.Name, word) && (strings.TrimSpace(code[:at]) == "" || !strings.HasPrefix(m.Name, "%%")) {
				r.Items = append(r.Items, Item{Text: m.Name, Kind: "magic", Signature: m.Args})
			}
		}
		return r, true
	}
	for _, m := range c.cfg.Magics {
		if m.Name == name && m.Go && first == "" {
			r := c.Complete(scope, rest, len(rest))
			r.Start += cursor - len(rest)
			r.End = cursor
			return r, true
		}
	}
	return Result{Start: cursor, End: cursor}, true
}

// isText says that the cell under a %% line is no Go.
func isText(first string) bool { return strings.HasPrefix(first, "%%writefile") }
