package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// enoughDescriptors is how many descriptors a process should have: of half the addresses that
// are tried each end of a connection, and the store.
const enoughDescriptors = 4 * manyAddresses

// descriptors asks how many the process may have; Go has raised its soft limit to the hard one.
func descriptors() Finding {
	const check = "open files"
	most, err := mostFiles()
	switch {
	case err != nil:
		return finding(check, Limited, "", "the limit is not known: %v", err)
	case most < enoughDescriptors:
		return finding(check, Limited, fmt.Sprintf("ulimit -n %d before the run, as far as its hard limit allows", enoughDescriptors), "a process may have %d: expected %d or more", most, enoughDescriptors)
	}
	return fine(check, "a process may have %d", most)
}

func cores() Finding {
	n := runtime.GOMAXPROCS(0)
	if n < 2 {
		return finding("cores", Limited, "give it two: what is tested and what tests it run side by side", "one: time-outs come late that no plan asked for")
	}
	return fine("cores", "%d", n)
}

const (
	ticks     = 100
	tick      = 5 * time.Millisecond
	lateTimer = 4 * time.Millisecond // at which a run lets fewer cells begin (harness)
)

// clock measures how late timers fire.
func clock(ctx context.Context) Finding {
	late := make([]time.Duration, 0, ticks)
	for range ticks {
		begin := time.Now()
		select {
		case <-ctx.Done():
		case <-time.After(tick):
		}
		late = append(late, time.Since(begin)-tick)
	}
	return punctual(late)
}

// punctual judges how late some timers fired.
func punctual(late []time.Duration) Finding {
	const check = "timers"
	worst := ofTwenty(late)
	if worst > lateTimer {
		return finding(check, Limited, "end what else keeps the machine busy, or run with --parallel 4 or --scale 2: late machines cost time, and attempts of unknown outcome prove less", "one in twenty is late by %v or more: expected less than %v", worst, lateTimer)
	}
	return fine(check, "nineteen of twenty are late by less than %v", worst)
}

// ofTwenty is what nineteen of twenty do not reach.
func ofTwenty(ds []time.Duration) time.Duration {
	slices.Sort(ds)
	return ds[len(ds)*95/100].Round(10 * time.Microsecond)
}

const (
	diskWrites = "disk writes"

	writes   = 40
	lateDisk = 50 * time.Millisecond // from which a run notes that the disk was late (harness)
)

// prompt measures how long a page takes to reach the disk of the folder for temporary files, where orchestrators of a
// run have their stores.
func prompt(ctx context.Context) Finding {
	f, err := os.CreateTemp("", ".sagacheck-doctor-*")
	if err != nil {
		return finding(diskWrites, Broken, "make it writable, or name another one (TMPDIR)", "%s can't be written: %v", os.TempDir(), err)
	}
	defer func() { _ = errors.Join(f.Close(), os.Remove(f.Name())) }() // what it was for is done
	page := make([]byte, 4096)
	var took []time.Duration
	for len(took) == 0 || len(took) < writes && ctx.Err() == nil {
		begin := time.Now()
		_, err := f.WriteAt(page, 0)
		if err := errors.Join(err, f.Sync()); err != nil {
			return finding(diskWrites, Broken, "make room there, or name another folder (TMPDIR)", "%s can't be written: %v", os.TempDir(), err)
		}
		took = append(took, time.Since(begin))
	}
	return quick(took)
}

// quick judges how long some writes took.
func quick(took []time.Duration) Finding {
	worst := ofTwenty(took)
	if worst > lateDisk {
		return finding(diskWrites, Limited, "end what else writes, or name a folder on a quicker disk (TMPDIR): of an orchestrator that waits for its store long waits can't be judged", "one in twenty takes %v or more: expected less than %v", worst, lateDisk)
	}
	return fine(diskWrites, "nineteen of twenty take less than %v", worst)
}

// enoughMemory is more than a run of thousands of cells holds.
const enoughMemory = 512 << 20

// memory looks for the least of what the machine has left and of what a control group lets it have.
func memory() Finding {
	const check = "memory"
	left, known := leftMemory(os.ReadFile)
	switch {
	case !known:
		return fine(check, "not known on %s", runtime.GOOS)
	case left < enoughMemory:
		return finding(check, Limited, "give it more, or run with --parallel 4", "%d MiB are left: expected %d or more", left>>20, enoughMemory>>20)
	}
	return fine(check, "%d MiB are left", left>>20)
}

// leftMemory reads it from Linux, in bytes.
func leftMemory(read func(string) ([]byte, error)) (left int64, known bool) {
	text, err := read("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			left, known = kib<<10, err == nil
		}
	}
	most, err1 := number(read, "/sys/fs/cgroup/memory.max")
	used, err2 := number(read, "/sys/fs/cgroup/memory.current")
	if known && err1 == nil && err2 == nil {
		left = min(left, most-used)
	}
	return left, known
}

func number(read func(string) ([]byte, error), file string) (int64, error) {
	text, err := read(file)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

// enoughDisk is what the histories that a run keeps by default may have, twice.
const enoughDisk = 2 << 30

// folder writes into a folder, or into the nearest one above that is there; empty: the one for
// temporary files.
func folder(what, dir string) Finding {
	check := "disk for " + what
	if dir == "" {
		dir = os.TempDir()
	}
	for {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			return finding(check, Broken, "name another folder (--out)", "%s is no folder", dir)
		}
		if !errors.Is(err, os.ErrNotExist) || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	f, err := os.CreateTemp(dir, ".sagacheck-doctor-*")
	if err != nil {
		return finding(check, Broken, "make it writable, or name another one (--out, TMPDIR)", "%s can't be written: %v", dir, err)
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return finding(check, Broken, "make it writable, or name another one (--out, TMPDIR)", "%s can't be written: %v", dir, err)
	}
	switch free, err := freeDisk(dir); {
	case err != nil:
		return fine(check, "%s can be written; how much is free is not known", dir)
	case free < enoughDisk:
		return finding(check, Limited, "make room, or run with --keep failures", "%d MiB are free in %s: expected %d or more", free>>20, dir, enoughDisk>>20)
	default:
		return fine(check, "%d MiB are free in %s", free>>20, dir)
	}
}
