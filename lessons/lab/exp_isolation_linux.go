package lab

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cellAddress is where both processes of runIsolation map a page: free in the
// address spaces of the Go runtime and of Linux on 64-bit machines.
const cellAddress = 0x2000_0000_0000

// runIsolation is P3.
func runIsolation(b *bench, p IsolationParams) error {
	values := p.Values
	if values == nil {
		values = []int{1, 2}
	}
	if len(values) != 2 {
		return fmt.Errorf("values: %d given, 2 wanted", len(values))
	}
	var subs [2]*sub
	var addr [2]uint64
	for i := range subs {
		s, err := launch("cell", nil, launchOptions{})
		if err != nil {
			return err
		}
		defer s.kill()
		subs[i] = s
		if err := s.recv(&addr[i]); err != nil {
			return err
		}
		b.fact(fmt.Sprintf("process %d", i+1), "PID %d, page at %#x", s.pid(), addr[i])
	}
	var read [2]int
	for i, s := range subs { // both write before either reads
		if err := s.send(cellOrder{Write: &values[i]}); err != nil {
			return err
		}
		if err := s.recv(&read[i]); err != nil {
			return err
		}
	}
	for i, s := range subs {
		if err := s.send(cellOrder{}); err != nil {
			return err
		}
		if err := s.recv(&read[i]); err != nil {
			return err
		}
		b.fact(fmt.Sprintf("value at the address, process %d", i+1), "%d", read[i])
	}
	b.progress(1, 3, "reaching across")

	// Directly: an address that only the other has mapped. The second page of
	// process 1 exists in process 1 alone.
	var other uint64
	if err := subs[0].send(cellOrder{Map: true}); err != nil {
		return err
	}
	if err := subs[0].recv(&other); err != nil {
		return err
	}
	if err := subs[1].send(cellOrder{Touch: other}); err != nil {
		return err
	}
	var touch string
	if err := subs[1].recv(&touch); err != nil {
		return err
	}
	b.fact("process 2 touches a page that only process 1 has", "%s", touch)

	// By asking the kernel, which has a door for debuggers.
	b.progress(2, 3, "asking the kernel")
	got, err := readOther(subs[0].pid(), addr[0])
	if err != nil {
		b.fact("asking the kernel for it, same user", "refused: %v", err)
	} else {
		b.fact("asking the kernel for it, same user", "allowed: read %d (process_vm_readv, the debugger's door)", got)
	}
	if os.Geteuid() == 0 {
		b.fact("asking the kernel for it, another user", "%s", readAsNobody(subs[0].pid(), addr[0]))
	} else if _, err := readOther(1, addr[0]); err != nil {
		b.fact("asking the kernel for it, another user's process", "refused: %v", err)
	}
	b.fact("same address", "%t", addr[0] == addr[1])
	b.fact("each kept its value", "%t", read[0] == values[0] && read[1] == values[1])
	b.fact("values differ", "%t", values[0] != values[1])
	b.fact("direct touch faulted", "%t", touch == faulted)
	return nil
}

const faulted = "memory fault (SIGSEGV)"

// cellOrder is what a process of runIsolation is told to do.
type cellOrder struct {
	Write *int   `json:"write,omitempty"`
	Map   bool   `json:"map,omitempty"`
	Touch uint64 `json:"touch,omitempty"`
}

// playCell maps a page at cellAddress, and obeys orders.
func playCell(p *peer) error {
	addr, err := mapFixed(cellAddress)
	if err != nil {
		return err
	}
	cell := (*int)(at(addr))
	if err := p.send(addr); err != nil {
		return err
	}
	for {
		var o cellOrder
		if err := p.recv(&o); err != nil {
			return err
		}
		var answer any
		switch {
		case o.Map:
			if answer, err = mapFixed(cellAddress + 64*pageSize); err != nil {
				return err
			}
		case o.Touch != 0:
			answer = touch(o.Touch)
		default:
			if o.Write != nil {
				*cell = *o.Write
			}
			answer = *cell
		}
		if err := p.send(answer); err != nil {
			return err
		}
	}
}

// mapFixed maps one page of its own at addr.
func mapFixed(addr uintptr) (uint64, error) {
	got, _, e := unix.Syscall6(unix.SYS_MMAP, addr, pageSize, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED_NOREPLACE, ^uintptr(0), 0)
	if e != 0 {
		return 0, fmt.Errorf("mapping a page at %#x: %w", addr, e)
	}
	return uint64(got), nil
}

// at makes a pointer of an address outside the Go heap, by way of memory:
// vet rightly suspects the direct conversion.
func at(addr uint64) unsafe.Pointer {
	p := uintptr(addr)
	return *(*unsafe.Pointer)(unsafe.Pointer(&p))
}

// touch reads addr and says what came of it.
func touch(addr uint64) (what string) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if e := recover(); e != nil {
			var re runtime.Error
			if err, ok := e.(error); ok && errors.As(err, &re) {
				what = faulted
				return
			}
			what = fmt.Sprint(e)
		}
	}()
	return fmt.Sprintf("read %d", *(*int)(at(addr)))
}

// readOther reads an int of another process through the kernel.
func readOther(pid int, addr uint64) (int, error) {
	var v int
	buf := unsafe.Slice((*byte)(unsafe.Pointer(&v)), unsafe.Sizeof(v))
	local := []unix.Iovec{{Base: &buf[0]}}
	local[0].SetLen(len(buf))
	_, err := unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: uintptr(addr), Len: len(buf)}}, 0)
	return v, err
}

// readAsNobody lets a process of another user try.
func readAsNobody(pid int, addr uint64) string {
	s, err := launch("read other", otherMemory{pid, addr}, launchOptions{})
	if err != nil {
		return "not tried: " + err.Error()
	}
	defer s.kill()
	var got string
	if err := s.recv(&got); err != nil {
		return "not tried: " + err.Error()
	}
	return got
}

type otherMemory struct {
	PID  int    `json:"pid"`
	Addr uint64 `json:"addr"`
}

const nobody = 65534

// playReadOther gives up its rights, then reads.
func playReadOther(p *peer) error {
	var o otherMemory
	if err := p.arg(&o); err != nil {
		return err
	}
	if err := syscall.Setgroups(nil); err != nil {
		return p.send("not tried: " + err.Error())
	}
	if err := errors.Join(syscall.Setresgid(nobody, nobody, nobody), syscall.Setresuid(nobody, nobody, nobody)); err != nil {
		return p.send("not tried: " + err.Error())
	}
	v, err := readOther(o.PID, o.Addr)
	if err != nil {
		return p.send("refused: " + err.Error())
	}
	return p.send(fmt.Sprintf("allowed: read %d", v))
}
