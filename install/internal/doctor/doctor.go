// Package doctor looks a machine over and says what keeps the kernel from
// working, and how to mend it.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"spindle/install/internal/gobuild"
	"spindle/install/internal/jupyterdirs"
	"spindle/install/internal/kernelspec"
	"spindle/install/internal/labserver"
	"spindle/install/internal/pyenv"
)

// Status is how a check came out.
type Status string

// The statuses: Wrong alone makes the doctor's exit status 1.
const (
	Good  Status = "ok"
	Note  Status = "note"  // works, but not all of it
	Wrong Status = "WRONG" // has to be mended
)

// Finding is what one check found.
type Finding struct {
	Status Status
	About  string // "go", "kernelspec", …
	What   string // what was found
	Mend   string // what to do about it, "" where nothing is to be done
}

// Exam is what the doctor looks at.
type Exam struct {
	Machine jupyterdirs.Machine
	Prefix  string // the data folder of --prefix or --sys-prefix, "" for the user's
	// Answer starts the kernel of argv and returns how it names itself in its
	// kernel_info_reply.
	Answer func(ctx context.Context, argv []string) (string, error)
}

// Run makes every check in turn and hands each finding to report.
func (e Exam) Run(ctx context.Context, report func(Finding)) (wrong int) {
	say := func(f Finding) {
		if f.Status == Wrong {
			wrong++
		}
		report(f)
	}
	module, err := gobuild.Find(ctx)
	e.goToolchain(ctx, module, err, say)
	spec, dir := e.kernelspec(say)
	if dir != "" {
		e.kernel(ctx, spec, say)
		if err == nil {
			e.stale(ctx, module, spec, say)
		}
	}
	e.python(ctx, say)
	e.jupyter(ctx, dir, say)
	e.folders(say)
	e.loopback(say)
	return wrong
}

func (e Exam) goToolchain(ctx context.Context, m gobuild.Module, err error, say func(Finding)) {
	if err != nil {
		say(Finding{Wrong, "go", err.Error(), "run this in Spindle's folder, with Go on the PATH"})
		return
	}
	version, err := m.GoVersion(ctx)
	if err != nil {
		say(Finding{Wrong, "go", err.Error(), "mend the Go installation (https://go.dev/doc/install)"})
		return
	}
	say(Finding{Good, "go", version + ", module in " + m.Dir, ""})
	if _, err := exec.LookPath("cc"); err != nil {
		say(Finding{Note, "cc", "there is no C compiler: the race detector (%%go -race) and the lab's C witness don't run", "install gcc or clang"})
	} else {
		say(Finding{Good, "cc", "there is a C compiler", ""})
	}
}

// kernelspec finds the kernel that Jupyter would start.
func (e Exam) kernelspec(say func(Finding)) (kernelspec.Spec, string) {
	where := e.Machine.Search()
	if e.Prefix != "" {
		where = []string{e.Prefix}
	}
	var spec kernelspec.Spec
	found := ""
	for _, data := range where {
		dir := kernelspec.Dir(data)
		s, err := kernelspec.Read(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if _, err := os.Stat(dir); err == nil {
				say(Finding{Wrong, "kernelspec", dir + " has no kernel.json", "remove the folder and run `go run ./install`"})
			}
		case err != nil:
			say(Finding{Wrong, "kernelspec", err.Error(), "run `go run ./install` again"})
		case found != "":
			say(Finding{Note, "kernelspec", "there is a second one in " + dir + ", which " + found + " hides", "remove one of them"})
		default:
			spec, found = s, dir
		}
	}
	if found == "" {
		say(Finding{Wrong, "kernelspec", "there is none in " + strings.Join(where, ", "), "run `go run ./install`"})
		return spec, ""
	}
	say(Finding{Good, "kernelspec", found, ""})
	return spec, found
}

// kernel checks that the kernelspec's command is there and answers.
func (e Exam) kernel(ctx context.Context, s kernelspec.Spec, say func(Finding)) {
	const again = "run `go run ./install` again"
	if len(s.Argv) == 0 || !filepath.IsAbs(s.Argv[0]) {
		say(Finding{Wrong, "kernel", fmt.Sprintf("the kernelspec's argv is %q, and its first isn't an absolute path", s.Argv), again})
		return
	}
	info, err := os.Stat(s.Argv[0])
	switch {
	case err != nil:
		say(Finding{Wrong, "kernel", err.Error(), again})
		return
	case info.Mode()&0o111 == 0:
		say(Finding{Wrong, "kernel", s.Argv[0] + " isn't executable", again})
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	begin := time.Now()
	name, err := e.Answer(ctx, s.Argv)
	if err != nil {
		mend := again
		if errors.Is(err, fs.ErrPermission) {
			mend = "is its file system mounted noexec? install with --prefix DIR elsewhere"
		}
		say(Finding{Wrong, "kernel", fmt.Sprintf("%s doesn't answer: %v", s.Argv[0], err), mend})
		return
	}
	say(Finding{Good, "kernel", fmt.Sprintf("starts and answers in %.1f s: %s", time.Since(begin).Seconds(), name), ""})
}

// stale compares what the kernel was built from with what is here now.
func (e Exam) stale(ctx context.Context, m gobuild.Module, s kernelspec.Spec, say func(Finding)) {
	digest, err := m.Digest(ctx, "spindle/kernel")
	if err != nil {
		say(Finding{Note, "build", err.Error(), ""})
		return
	}
	version, err := m.GoVersion(ctx)
	if err != nil {
		say(Finding{Note, "build", err.Error(), ""})
		return
	}
	switch md := s.Metadata; {
	case md.Sources != digest:
		say(Finding{Note, "build", "the kernel was built from other sources than those in " + m.Dir, "run `go run ./install` to bring it up to date"})
	case md.GoVersion != version:
		say(Finding{Note, "build", "the kernel was built by " + md.GoVersion + ", and Go here is " + version, "run `go run ./install` to bring it up to date"})
	default:
		say(Finding{Good, "build", "the kernel is built from these sources, by this Go", ""})
	}
}

func (e Exam) python(ctx context.Context, say func(Finding)) {
	path, version := pyenv.Python(ctx)
	if path == "" {
		say(Finding{Note, "python", pyenv.ErrNoPython.Error() + ": JupyterLab needs it", "install Python, or learn without it: `go run ./lessons`"})
		return
	}
	say(Finding{Good, "python", path + ", " + version, ""})
}

// jupyter checks that the JupyterLab that is there sees the kernel in dir.
func (e Exam) jupyter(ctx context.Context, dir string, say func(Finding)) {
	private, made := pyenv.Whole(e.Machine.Own(), pyenv.Lab)
	jupyter, err := exec.LookPath("jupyter")
	if err != nil {
		if made {
			say(Finding{Good, "jupyter", "none on the PATH, a private one in " + private.Dir, ""})
		} else {
			say(Finding{Note, "jupyter", "there is none on the PATH", "`go run ./install lab` makes a private one"})
		}
		return
	}
	if version, err := labserver.Version(ctx, jupyter); err != nil {
		say(Finding{Note, "jupyterlab", jupyter + " has none", "`go run ./install lab` makes a private one"})
	} else if labserver.Major(version) < 4 {
		say(Finding{Note, "jupyterlab", version + " is older than 4", "`go run ./install lab` makes a private one"})
	} else {
		say(Finding{Good, "jupyterlab", version + " (" + jupyter + ")", ""})
	}
	kernels, err := labserver.Kernels(ctx, jupyter)
	switch seen := kernels[kernelspec.Name]; {
	case err != nil:
		say(Finding{Note, "jupyter", err.Error(), "mend or reinstall Jupyter (`pip install --upgrade jupyterlab`)"})
	case dir == "":
	case seen == "":
		say(Finding{Wrong, "jupyter", jupyter + " doesn't see the kernel in " + dir, "install where it looks: `go run ./install --sys-prefix`, or set JUPYTER_PATH=" + filepath.Dir(filepath.Dir(dir))})
	case !same(seen, dir):
		say(Finding{Note, "jupyter", jupyter + " starts another one: " + seen, "remove one of them"})
	default:
		say(Finding{Good, "jupyter", jupyter + " sees the kernel", ""})
	}
}

func same(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}

// folders checks that what Jupyter and install write to can be written.
func (e Exam) folders(say func(Finding)) {
	data := e.Prefix
	if data == "" {
		data = e.Machine.Data()
	}
	for _, f := range []struct{ what, dir string }{{"kernels", filepath.Join(data, "kernels")}, {"connection files", e.Machine.Runtime()}} {
		dir, at := f.dir, existing(f.dir)
		if err := unix.Access(at, unix.W_OK|unix.X_OK); err != nil {
			say(Finding{Wrong, "folders", fmt.Sprintf("%s can't be written (%v): %s go there", at, err, f.what), "give it to yourself: sudo chown " + fmt.Sprint(os.Getuid()) + " " + at})
			continue
		}
		say(Finding{Good, "folders", dir + " can be written", ""})
	}
}

// existing is the nearest folder above path, or path, that is there.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || filepath.Dir(path) == path {
			return path
		}
		path = filepath.Dir(path)
	}
}

// loopback checks that a kernel can listen and be reached.
func (e Exam) loopback(say func(Finding)) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		say(Finding{Wrong, "loopback", err.Error(), "bring the loopback interface up (ip link set lo up)"})
		return
	}
	defer l.Close()
	c, err := net.DialTimeout("tcp", l.Addr().String(), 5*time.Second)
	if err != nil {
		say(Finding{Wrong, "loopback", err.Error(), "let connections on 127.0.0.1 through the firewall"})
		return
	}
	c.Close()
	what := "127.0.0.1 can be listened on and reached"
	if l, err := net.Listen("tcp", "127.0.0.1:8888"); err != nil {
		what += "; 8888 is in use, so lab takes the next free port"
	} else {
		l.Close()
	}
	say(Finding{Good, "loopback", what, ""})
	if runtime.GOOS != "linux" {
		say(Finding{Note, "system", runtime.GOOS + ": what the lessons read from /proc isn't there", "Linux has all of it"})
	}
}
