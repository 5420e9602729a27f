package oracle

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/tools/txtar"
)

// Script is a notebook session: cells, and the Go program whose output is the
// session's transcript, so that the toolchain judges sessions too.
type Script struct {
	Name       string
	Cells      []string
	Equivalent Program
}

// LoadScripts reads every session below fsys.
func LoadScripts(fsys fs.FS) ([]Script, error) {
	names, err := fs.Glob(fsys, "*.txtar")
	if err != nil {
		return nil, err
	}
	var scripts []Script
	for _, n := range names {
		data, err := fs.ReadFile(fsys, n)
		if err != nil {
			return nil, err
		}
		s := Script{Name: strings.TrimSuffix(path.Base(n), ".txtar")}
		for _, f := range txtar.Parse(data).Files {
			switch f.Name {
			case "cell":
				s.Cells = append(s.Cells, string(f.Data))
			case "equivalent.go":
				s.Equivalent.Name, s.Equivalent.Source = s.Name, string(f.Data)
			case "want":
				s.Equivalent.Want.Stdout, s.Equivalent.Judged = string(f.Data), true
			default:
				return nil, fmt.Errorf("reading %s: unknown section %q", n, f.Name)
			}
		}
		scripts = append(scripts, s)
	}
	return scripts, nil
}

// Format is the session's file, with the transcript that the toolchain wrote.
func (s Script) Format() []byte {
	a := new(txtar.Archive)
	for _, c := range s.Cells {
		a.Files = append(a.Files, txtar.File{Name: "cell", Data: []byte(c)})
	}
	a.Files = append(a.Files, txtar.File{Name: "equivalent.go", Data: []byte(s.Equivalent.Source)})
	if s.Equivalent.Judged {
		a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(s.Equivalent.Want.Stdout)})
	}
	return txtar.Format(a)
}
