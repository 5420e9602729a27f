package jupyterdirs

import (
	"slices"
	"testing"
)

func machine(goos, prefix string, env map[string]string) Machine {
	return Machine{GOOS: goos, Home: "/home/u", SysPrefix: prefix, Getenv: func(k string) string { return env[k] }}
}

func TestData(t *testing.T) {
	for name, c := range map[string]struct {
		goos string
		env  map[string]string
		want string
	}{
		"linux":            {"linux", nil, "/home/u/.local/share/jupyter"},
		"xdg":              {"linux", map[string]string{"XDG_DATA_HOME": "/x"}, "/x/jupyter"},
		"set":              {"linux", map[string]string{"XDG_DATA_HOME": "/x", "JUPYTER_DATA_DIR": "/j"}, "/j"},
		"mac":              {"darwin", map[string]string{"XDG_DATA_HOME": "/x"}, "/home/u/Library/Jupyter"},
		"mac, as platform": {"darwin", map[string]string{"JUPYTER_PLATFORM_DIRS": "1"}, "/home/u/Library/Application Support/jupyter"},
		"mac, not":         {"darwin", map[string]string{"JUPYTER_PLATFORM_DIRS": "No"}, "/home/u/Library/Jupyter"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := machine(c.goos, "", c.env).Data(); got != c.want {
				t.Errorf("Data() = %q, want %q", got, c.want)
			}
		})
	}
}

func TestSearch(t *testing.T) {
	for name, c := range map[string]struct {
		prefix string
		env    map[string]string
		want   []string
	}{
		"no python": {"", nil, []string{"/home/u/.local/share/jupyter", "/usr/local/share/jupyter", "/usr/share/jupyter"}},
		"user first": {
			"/venv", nil,
			[]string{"/home/u/.local/share/jupyter", "/venv/share/jupyter", "/usr/local/share/jupyter", "/usr/share/jupyter"},
		},
		"environment first": {
			"/venv",
			map[string]string{"JUPYTER_PREFER_ENV_PATH": "1"},
			[]string{"/venv/share/jupyter", "/home/u/.local/share/jupyter", "/usr/local/share/jupyter", "/usr/share/jupyter"},
		},
		"JUPYTER_PATH before all": {
			"/usr",
			map[string]string{"JUPYTER_PATH": "/a/:/b", "JUPYTER_DATA_DIR": "/j"},
			[]string{"/a", "/b", "/j", "/usr/share/jupyter", "/usr/local/share/jupyter"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := machine("linux", c.prefix, c.env).Search(); !slices.Equal(got, c.want) {
				t.Errorf("Search() = %q, want %q", got, c.want)
			}
		})
	}
}

func TestRuntimeAndOwn(t *testing.T) {
	m := machine("linux", "", map[string]string{"JUPYTER_DATA_DIR": "/j", "XDG_DATA_HOME": "/x"})
	if got := m.Runtime(); got != "/j/runtime" {
		t.Errorf("Runtime() = %q", got)
	}
	if got := m.Own(); got != "/x/spindle" {
		t.Errorf("Own() = %q", got)
	}
	m = machine("linux", "", map[string]string{"JUPYTER_RUNTIME_DIR": "/r", "SPINDLE_HOME": "/s"})
	if m.Runtime() != "/r" || m.Own() != "/s" {
		t.Errorf("Runtime() = %q, Own() = %q", m.Runtime(), m.Own())
	}
}
