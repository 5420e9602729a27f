package oracle

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Foreign finds programs that nobody of this project wrote and that a machine
// with the toolchain and this module's dependencies has anyway: the Go
// distribution's own tests of the language, the tests of yaegi and those of
// the SSA interpreter of x/tools. They are read where they lie.
func Foreign(ctx context.Context) ([]Program, error) {
	var programs []Program
	env, err := goCommand(ctx, ".", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("running the go command: %w", err)
	}
	for _, src := range []struct {
		name, module, dir string
		keep              *regexp.Regexp
	}{
		{"go", "", filepath.Join(strings.TrimSpace(string(env)), "test"), regexp.MustCompile(`(?m)\A// run$`)},
		{"yaegi", "github.com/traefik/yaegi", "_test", regexp.MustCompile(`(?m)^package main$`)},
		{"ssa", "golang.org/x/tools", "go/ssa/interp/testdata", regexp.MustCompile(`(?m)^package main$`)},
	} {
		dir := src.dir
		if src.module != "" {
			out, err := goCommand(ctx, ".", "list", "-m", "-f", "{{.Dir}}", src.module).Output()
			if err != nil {
				return nil, fmt.Errorf("finding %s: %w", src.module, err)
			}
			dir = filepath.Join(strings.TrimSpace(string(out)), src.dir)
		}
		for _, pattern := range []string{"*.go", "*/*.go"} {
			files, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil {
				return nil, err
			}
			for _, f := range files {
				data, err := os.ReadFile(f)
				if err != nil {
					return nil, err
				}
				if !src.keep.Match(data) || !alone(data) {
					continue
				}
				rel, err := filepath.Rel(dir, f)
				if err != nil {
					return nil, err
				}
				programs = append(programs, Program{
					Name:   src.name + "/" + strings.TrimSuffix(filepath.ToSlash(rel), ".go"),
					Source: string(data),
				})
			}
		}
	}
	return programs, nil
}

// alone says whether a program needs the standard library only, and no
// toolchain tricks.
func alone(src []byte) bool {
	f, err := parser.ParseFile(token.NewFileSet(), "main.go", src, parser.ParseComments)
	if err != nil || f.Name.Name != "main" {
		return false
	}
	if !slices.ContainsFunc(f.Decls, func(d ast.Decl) bool {
		fn, ok := d.(*ast.FuncDecl)
		return ok && fn.Recv == nil && fn.Name.Name == "main"
	}) {
		return false
	}
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil || p == "C" || strings.Contains(p, ".") || strings.HasPrefix(p, "cmd/") ||
			strings.Contains(p, "internal") || strings.HasPrefix(p, "guthib") {
			return false
		}
	}
	for _, c := range f.Comments {
		for _, l := range c.List {
			if strings.HasPrefix(l.Text, "//go:linkname") || strings.HasPrefix(l.Text, "//go:build ") || strings.HasPrefix(l.Text, "// +build") {
				return false
			}
		}
	}
	return true
}
