// Package jupyterdirs says where Jupyter keeps and looks for kernels, as
// jupyter_core's paths module does. It reads nothing from disk.
package jupyterdirs

import (
	"path/filepath"
	"slices"
	"strings"
)

// Machine is what the folders depend on.
type Machine struct {
	GOOS      string
	Home      string              // the user's home folder
	Getenv    func(string) string // the environment
	SysPrefix string              // sys.prefix of the Python in use, "" where there is none
}

// Data is the user's Jupyter data folder (jupyter_core.paths.jupyter_data_dir).
func (m Machine) Data() string {
	if dir := m.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		return dir
	}
	if m.GOOS == "darwin" {
		if truthy(m.Getenv("JUPYTER_PLATFORM_DIRS")) {
			return filepath.Join(m.Home, "Library", "Application Support", "jupyter")
		}
		return filepath.Join(m.Home, "Library", "Jupyter")
	}
	if m.GOOS == "windows" {
		if dir := m.Getenv("APPDATA"); dir != "" {
			return filepath.Join(dir, "jupyter")
		}
	}
	return filepath.Join(m.xdgData(), "jupyter")
}

// Runtime is where connection files are written
// (jupyter_core.paths.jupyter_runtime_dir).
func (m Machine) Runtime() string {
	if dir := m.Getenv("JUPYTER_RUNTIME_DIR"); dir != "" {
		return dir
	}
	return filepath.Join(m.Data(), "runtime")
}

// Search lists the folders whose kernels/ Jupyter looks into, the first that
// has a kernel of a name wins (jupyter_core.paths.jupyter_path).
func (m Machine) Search() []string {
	var dirs []string
	add := func(dir string) {
		if dir != "" && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	for _, dir := range filepath.SplitList(m.Getenv("JUPYTER_PATH")) {
		add(strings.TrimRight(dir, string(filepath.Separator)))
	}
	env := ""
	if m.SysPrefix != "" {
		env = filepath.Join(m.SysPrefix, "share", "jupyter")
	}
	if truthy(m.Getenv("JUPYTER_PREFER_ENV_PATH")) {
		add(env)
		add(m.Data())
	} else {
		add(m.Data())
		add(env)
	}
	add("/usr/local/share/jupyter")
	add("/usr/share/jupyter")
	return dirs
}

// Own is Spindle's own folder for what it makes on this machine: the private
// Jupyter and the kernel that `lab` uses. SPINDLE_HOME sets it.
func (m Machine) Own() string {
	if dir := m.Getenv("SPINDLE_HOME"); dir != "" {
		return dir
	}
	if m.GOOS == "darwin" {
		return filepath.Join(m.Home, "Library", "Application Support", "spindle")
	}
	return filepath.Join(m.xdgData(), "spindle")
}

func (m Machine) xdgData() string {
	if dir := m.Getenv("XDG_DATA_HOME"); dir != "" {
		return dir
	}
	return filepath.Join(m.Home, ".local", "share")
}

// truthy reads an environment variable as jupyter_core's envset does.
func truthy(v string) bool {
	switch strings.ToLower(v) {
	case "", "n", "no", "off", "false", "0", "0.0":
		return false
	}
	return true
}
