package imports_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

const (
	module = "spindle"
	yaegi  = "github.com/traefik/yaegi"
	zmq4   = "github.com/go-zeromq/zmq4"
)

// A pattern is a package path; with /... also everything below it.
func matches(pattern, path string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == below || strings.HasPrefix(path, below+"/")
	}
	return path == pattern
}

func anyMatches(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, path) })
}

// rule says what some packages may not import.
type rule struct {
	why  string
	from []string
	but  []string // exceptions of from
	not  []string
	ok   []string // exceptions of not
	// deep means not by way of other packages either.
	deep bool
}

var rules = []rule{
	{
		why:  "session knows Jupyter's semantics, not how messages travel or what runs cells",
		from: []string{"spindle/kernel/internal/session"},
		not: []string{
			"spindle/kernel/internal/sockets/...", "spindle/kernel/internal/engine/...", "spindle/kernel/internal/worker/...",
			"spindle/kernel/internal/interp/...", "spindle/kernel/internal/cell/...", yaegi + "/...", zmq4 + "/...",
		},
		deep: true,
	},
	{
		why:  "the lab and the published numbers are usable without the kernel",
		from: []string{"spindle/lessons/lab/...", "spindle/lessons/refs/..."},
		not:  []string{"spindle/kernel/..."},
		deep: true,
	},
	{
		why:  "only the kernel's main joins kernel and lessons",
		from: []string{"spindle/kernel/..."},
		but:  []string{"spindle/kernel", "spindle/kernel/internal/oracle/..."},
		not:  []string{"spindle/lessons/..."},
		deep: true,
	},
	{
		why:  "the course uses the kernel over its sockets, never in process",
		from: []string{"spindle/lessons/..."},
		not:  []string{"spindle/kernel/internal/..."},
	},
	{
		why:  "the course uses the kernel over its sockets, never in process",
		from: []string{"spindle/lessons/..."},
		not: []string{
			"spindle/kernel", "spindle/kernel/internal/session/...", "spindle/kernel/internal/engine/...", "spindle/kernel/internal/worker/...",
			"spindle/kernel/internal/interp/...", "spindle/kernel/internal/cell/...", yaegi + "/...",
		},
		deep: true,
	},
	{
		why:  "one package evaluates cells",
		from: []string{"spindle/..."},
		but:  []string{"spindle/kernel/internal/interp/..."},
		not:  []string{yaegi + "/interp"},
	},
	{
		why:  "yaegi is interp's affair, and that of the symbols generated for it",
		from: []string{"spindle/..."},
		but:  []string{"spindle/kernel/internal/interp/...", "spindle/kernel/internal/std/...", "spindle/kernel/internal/symbols/..."},
		not:  []string{yaegi + "/..."},
	},
	{
		why:  "one package and its client speak ZeroMQ",
		from: []string{"spindle/..."},
		but:  []string{"spindle/kernel/internal/sockets/...", "spindle/kernel/client"},
		not:  []string{zmq4 + "/..."},
	},
	{
		why:  "what cells import to show things and to speak with the page knows nothing of the kernel's inside",
		from: []string{"spindle/kernel/display", "spindle/kernel/comm"},
		not:  []string{"spindle/kernel/internal/...", yaegi + "/...", zmq4 + "/..."},
		deep: true,
	},
	{
		why:  "cell and complete are functions of source: no processes, sockets or files",
		from: []string{"spindle/kernel/internal/cell", "spindle/kernel/internal/complete"},
		not:  []string{"os", "os/exec", "os/signal", "net/...", "syscall", "log/...", "golang.org/x/sys/...", yaegi + "/...", "spindle/kernel/..."},
		ok:   []string{"spindle/kernel/internal/cell/..."},
	},
	{
		why:  "wire is pure but for the connection file, which it reads and writes",
		from: []string{"spindle/kernel/internal/wire"},
		not:  []string{"os/exec", "os/signal", "net/...", "syscall", "log/...", zmq4 + "/...", "spindle/..."},
	},
	{
		why:  "frames is the form of a stream; who reads and writes it is above",
		from: []string{"spindle/kernel/internal/frames"},
		not:  []string{"os/...", "net/...", "syscall", "spindle/kernel/internal/..."},
	},
	{
		why:  "the parent never evaluates: a panic there would take the session with it",
		from: []string{"spindle/kernel/internal/engine"},
		not:  []string{"spindle/kernel/internal/interp/...", "spindle/kernel/internal/cell/...", yaegi + "/..."},
	},
	{
		why:  "reading and writing notebooks needs neither kernel nor course",
		from: []string{"spindle/lessons/internal/notebook"},
		not:  []string{"spindle/...", "net/...", "os/exec"},
	},
	{
		why:  "running, rendering and checking lessons works on notebooks and an interface, not on the kernel's client",
		from: []string{"spindle/lessons/internal/run", "spindle/lessons/internal/site", "spindle/lessons/internal/verify"},
		not:  []string{"spindle/kernel/...", "net/http/..."},
		deep: true,
	},
}

// load lists the module's packages with all that they import.
func load(t *testing.T) []*packages.Package {
	t.Helper()
	pkgs, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedImports | packages.NeedDeps,
		Dir:  "../../..",
	}, module+"/...")
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	if len(pkgs) < 10 {
		t.Fatalf("only %d packages were listed", len(pkgs))
	}
	return pkgs
}

// violations lists the imports of p that the rule forbids, with the way to them.
func (r *rule) violations(p *packages.Package) []string {
	var found []string
	seen := map[string]bool{}
	var visit func(p *packages.Package, way []string)
	visit = func(p *packages.Package, way []string) {
		for path, dep := range p.Imports {
			if seen[path] {
				continue
			}
			seen[path] = true
			if anyMatches(r.not, path) && !anyMatches(r.ok, path) {
				found = append(found, strings.Join(append(way, path), " → "))
				continue
			}
			if r.deep {
				visit(dep, append(slices.Clone(way), path))
			}
		}
	}
	visit(p, []string{p.PkgPath})
	slices.Sort(found)
	return found
}

func TestImportGraph(t *testing.T) {
	pkgs := load(t)
	for _, r := range rules {
		covered := false
		for _, p := range pkgs {
			if !anyMatches(r.from, p.PkgPath) || anyMatches(r.but, p.PkgPath) {
				continue
			}
			covered = true
			for _, v := range r.violations(p) {
				t.Errorf("%s: %s", r.why, v)
			}
		}
		if !covered {
			t.Errorf("no package is under the rule %q (%v)", r.why, r.from)
		}
	}
}

// The test can fail: a rule that today's graph breaks is reported, with the way.
func TestViolationsAreFound(t *testing.T) {
	pkgs := load(t)
	i := slices.IndexFunc(pkgs, func(p *packages.Package) bool { return p.PkgPath == "spindle/kernel/client" })
	if i < 0 {
		t.Fatal("kernel/client isn't listed")
	}
	r := rule{not: []string{"crypto/hmac"}, deep: true}
	if got := r.violations(pkgs[i]); len(got) == 0 || !strings.HasPrefix(got[0], "spindle/kernel/client → ") {
		t.Errorf("got %v", got)
	}
	r.deep = false
	if got := r.violations(pkgs[i]); len(got) != 0 {
		t.Errorf("an import by way of others is reported as its own: %v", got)
	}
}
