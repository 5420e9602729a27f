package cell

import (
	"go/scanner"
	"go/token"
)

// chunk is one top-level piece of a cell: a declaration or a statement.
type chunk struct {
	start, end int // byte range in the cell's source
	kind       token.Token
	name       string // of a func: its name; of a method: the receiver's type, a dot, the name
	semicolon  bool   // ended by a semicolon that the learner wrote
}

func (c chunk) isDecl() bool { return c.kind != token.ILLEGAL }

// split cuts src at its top-level semicolons, written or implied. It never
// fails: what does not parse is left to the parser, whose errors are better.
func split(src string) []chunk {
	fset := token.NewFileSet()
	file := fset.AddFile("", fset.Base(), len(src))
	var s scanner.Scanner
	s.Init(file, []byte(src), func(token.Position, string) {}, 0)
	type tok struct {
		tok token.Token
		lit string
		off int
	}
	var (
		chunks []chunk
		cur    []tok
		depth  int
	)
	flush := func(end int, semi bool) {
		if len(cur) == 0 {
			if semi && len(chunks) > 0 {
				chunks[len(chunks)-1].semicolon = true
			}
			return
		}
		c := chunk{start: cur[0].off, end: end, kind: token.ILLEGAL, semicolon: semi}
		switch cur[0].tok {
		case token.IMPORT, token.TYPE, token.CONST, token.VAR, token.PACKAGE:
			c.kind = cur[0].tok
		case token.FUNC:
			at := func(i int) tok {
				if i < len(cur) {
					return cur[i]
				}
				return tok{}
			}
			if at(1).tok == token.IDENT {
				c.kind, c.name = token.FUNC, at(1).lit
			} else if at(1).tok == token.LPAREN {
				i, d, recv := 1, 0, ""
				for ; i < len(cur); i++ {
					switch cur[i].tok {
					case token.LPAREN, token.LBRACK:
						d++
					case token.RPAREN, token.RBRACK:
						d--
					case token.IDENT:
						if d == 1 {
							recv = cur[i].lit
						}
					}
					if d == 0 {
						break
					}
				}
				if at(i+1).tok == token.IDENT && at(i+2).tok == token.LPAREN {
					c.kind, c.name = token.FUNC, recv+"."+at(i+1).lit
				}
			}
		}
		chunks = append(chunks, c)
		cur = cur[:0]
	}
	for {
		pos, t, lit := s.Scan()
		if t == token.EOF {
			flush(len(src), false)
			return chunks
		}
		off := file.Offset(pos)
		switch t {
		case token.LPAREN, token.LBRACK, token.LBRACE:
			depth++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth--
		case token.SEMICOLON:
			if depth <= 0 {
				flush(off, lit == ";")
				continue
			}
		}
		cur = append(cur, tok{t, lit, off})
	}
}

// blank returns src with everything outside the kept chunks turned into
// spaces, so that lines and columns stay what they are.
func blank(src string, chunks []chunk, keep func(chunk) bool) string {
	b := []byte(src)
	out := make([]byte, len(b))
	for i, c := range b {
		if c == '\n' {
			out[i] = '\n'
		} else {
			out[i] = ' '
		}
	}
	for _, c := range chunks {
		if keep(c) {
			copy(out[c.start:c.end], b[c.start:c.end])
			if c.end < len(out) && out[c.end] == ' ' {
				out[c.end] = ';'
			}
		}
	}
	return string(out)
}
