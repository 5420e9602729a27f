package lab

import (
	"debug/elf"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// runLoad is P1: what is in the file, and what of it is in the process.
func runLoad(b *bench, p LoadParams) error {
	path, err := os.Executable()
	own := p.Path == ""
	if !own {
		path, err = exec.LookPath(p.Path)
	}
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return fmt.Errorf("finding the executable: %w", err)
	}
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("reading %s as an executable: %w", path, err)
	}
	defer f.Close()
	b.fact("file", "%s, %s on disk", shorten(path), format(fileSize(path), "B"))
	b.fact("format", "%s, %s, %s", f.Class, f.Machine, f.Type)
	b.fact("entry point in the file", "%#x", f.Entry)
	var loads []elf.ProgHeader
	for _, s := range f.Progs {
		if s.Type == elf.PT_LOAD && s.Filesz > 0 {
			loads = append(loads, s.ProgHeader)
			b.fact("segment to load", "%#x + %s, %s", s.Vaddr, format(float64(s.Memsz), "B"), s.Flags)
		}
	}
	b.progress(0, 2, "starting %s twice", filepath.Base(path))
	found, entry := 0, 0
	var pids []int
	for i := range 2 {
		pid, stop, err := startWaiting(path, own)
		if err != nil {
			return err
		}
		defer stop()
		pids = append(pids, pid)
		maps, resident, err := mappingsOf(pid, path)
		if err != nil {
			return err
		}
		bias := uint64(0) // a position-independent executable is moved as a whole
		if f.Type == elf.ET_DYN && len(maps) > 0 {
			bias = uint64(maps[0].StartAddr) - loads[0].Vaddr&^(pageSize-1)
		}
		seen := 0
		for _, s := range loads {
			for _, m := range maps {
				if a := s.Vaddr + bias; a >= uint64(m.StartAddr) && a < uint64(m.EndAddr) {
					seen++
					break
				}
			}
		}
		if seen == len(loads) && len(loads) > 0 {
			found++
		}
		for _, m := range maps {
			if a := f.Entry + bias; m.Perms.Execute && a >= uint64(m.StartAddr) && a < uint64(m.EndAddr) {
				entry++
				b.fact(fmt.Sprintf("process %d", i+1), "PID %d, %d of %d segments mapped, entry point at %#x in r-x memory", pid, seen, len(loads), a)
				break
			}
		}
		mapped := 0.0
		for _, m := range maps {
			mapped += float64(m.EndAddr - m.StartAddr)
		}
		b.add("load/mapped", "the file in memory", fmt.Sprintf("mapped, process %d", i+1), "B", mapped)
		b.add("load/resident", "the file in memory", fmt.Sprintf("resident, process %d", i+1), "B", resident)
		b.progress(i+1, 2, "PID %d", pid)
	}
	b.add("load/file", "the file in memory", "on disk", "B", fileSize(path))
	b.fact("processes whose segments are all mapped", "%d", found)
	b.fact("processes with the entry point in executable memory", "%d", entry)
	b.fact("process ids differ", "%t", pids[0] != pids[1])
	b.note("Mapped is not read: the kernel brings a page of the file into memory when the process first touches it, so resident may be less than mapped.")
	return nil
}

const pageSize = 4096

// startWaiting starts the executable so that it stays until stop.
func startWaiting(path string, own bool) (pid int, stop func(), err error) {
	if own {
		s, err := launch("wait", nil, launchOptions{})
		if err != nil {
			return 0, nil, err
		}
		if err := s.recv(nil); err != nil {
			return 0, nil, err
		}
		return s.pid(), s.kill, nil
	}
	cmd := exec.Command(path)
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, nil, err
	}
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Start(); err != nil {
		return 0, nil, fmt.Errorf("starting %s: %w", path, err)
	}
	stop = func() { in.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() }
	time.Sleep(50 * time.Millisecond) // no sign tells when another program is up
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err == nil && info.Signo != 0 {
		stop()
		return 0, nil, fmt.Errorf("%s ended before it could be looked at: take a program that waits for its input, such as cat", path)
	}
	return cmd.Process.Pid, stop, nil
}

// mappingsOf lists the mappings of file in the process, and how much of them
// is resident.
func mappingsOf(pid int, file string) (maps []*procfs.ProcMap, resident float64, err error) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return nil, 0, err
	}
	all, err := proc.ProcMaps()
	if err != nil {
		return nil, 0, fmt.Errorf("reading the mappings of PID %d: %w", pid, err)
	}
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil {
		return nil, 0, err
	}
	for _, m := range all {
		if m.Inode == st.Ino && m.Pathname == file {
			maps = append(maps, m)
		}
	}
	for _, s := range smaps(pid) {
		if s.path == file {
			resident += s.rss
		}
	}
	return maps, resident, nil
}

// playWait says that it is up, then waits to be killed.
func playWait(p *peer) error {
	if err := p.send(os.Getpid()); err != nil {
		return err
	}
	return p.recv(nil)
}
