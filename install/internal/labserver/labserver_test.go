package labserver

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestChoosePort(t *testing.T) {
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	_, err = ChoosePort(taken)
	var in *PortError
	if !errors.As(err, &in) || in.Port != taken || in.Free == taken {
		t.Errorf("a port in use: %v", err)
	}
	got, err := ChoosePort(0)
	if err != nil || got < firstPort || got >= firstPort+portTries {
		t.Errorf("no port asked for: %d, %v", got, err)
	}
}

// Whatever the person's own configuration says, the command line has the last word.
func TestArguments(t *testing.T) {
	args := arguments(Options{Folder: "/f", Open: "a.ipynb"}, 8890)
	for _, want := range []string{
		"--ServerApp.ip=127.0.0.1", "--ServerApp.port=8890", "--ServerApp.allow_remote_access=False",
		"--ServerApp.root_dir=/f", "--ServerApp.open_browser=False", "--LabApp.default_url=/lab/tree/a.ipynb",
	} {
		if !slices.Contains(args, want) {
			t.Errorf("%q lacks %q", args, want)
		}
	}
	if strings.Contains(strings.Join(args, " "), "token") {
		t.Error("a token on the command line is for everybody to see")
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("JUPYTER_PATH", "/theirs")
	t.Setenv("JUPYTER_CONFIG_PATH", "")
	env := environment(nil, "secret", "/ours", "/config")
	if want := []string{"JUPYTER_TOKEN=secret", "JUPYTER_PATH=/ours:/theirs", "JUPYTER_CONFIG_PATH=/config"}; !slices.Equal(env, want) {
		t.Errorf("%q, want %q", env, want)
	}
}

// server writes a jupyter command that serves what the script does.
func server(t *testing.T, script string) Options {
	t.Helper()
	dir := t.TempDir()
	jupyter := filepath.Join(dir, "jupyter")
	if err := os.WriteFile(jupyter, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return Options{Jupyter: jupyter, Folder: dir, Open: "x.ipynb", Own: t.TempDir()}
}

func TestStartSaysWhyItEnded(t *testing.T) {
	_, err := Start(t.Context(), server(t, "echo 'Bad config encountered' >&2; exit 3"))
	if err == nil || !strings.Contains(err.Error(), "Bad config encountered") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("err = %v", err)
	}
}

// A server that answers without the token isn't left running.
func TestStartRefusesAnOpenServer(t *testing.T) {
	port, err := ChoosePort(0)
	if err != nil {
		t.Fatal(err)
	}
	o := server(t, "exec sleep 300")
	o.Port = port
	// It stands in for the server that the script would be.
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })}
	started := make(chan error, 1)
	go func() {
		_, err := Start(t.Context(), o)
		started <- err
	}()
	// After Start has looked whether the port is free.
	log := filepath.Join(o.Own, "jupyter-config", "labconfig", "page_config.json")
	for {
		if _, err := os.Stat(log); err == nil {
			break
		}
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve(l) }() // ends with Close
	defer srv.Close()
	if err := <-started; err == nil || !strings.Contains(err.Error(), "without the token") {
		t.Errorf("err = %v", err)
	}
}

func TestMajor(t *testing.T) {
	for v, want := range map[string]int{"4.6.6": 4, "3.6.1": 3, "": 0, "rubbish": 0, "10.0": 10} {
		if got := Major(v); got != want {
			t.Errorf("Major(%q) = %d", v, got)
		}
	}
}
