package harness

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// Who writes down what it does before it does it waits for the disk, whatever the processor has to do.
// So a page of a file beside the orchestrators' own is written, and waited for, all the time.
const (
	diskTick  = 50 * time.Millisecond
	diskLimit = 50 * time.Millisecond // less shows in the orchestrator's other steps, and hides no wait
)

// disk measures how late the disk is.
type disk struct {
	file  diskFile
	began time.Time
	since atomic.Int64 // after began, the write under way was begun then; 0: none is
}

type diskFile interface {
	io.WriterAt
	io.Closer
	Sync() error
}

// openDisk is that of the folder for temporary files. Its file is gone when the process is.
func openDisk() (*disk, error) {
	f, err := os.CreateTemp("", "sagacheck-disk-*")
	if err == nil {
		err = os.Remove(f.Name())
	}
	if err != nil {
		return nil, fmt.Errorf("file that tells how late the disk is: %w", err)
	}
	return &disk{file: f, began: time.Now()}, nil
}

// watch writes until the context is done, and closes the file. A write that fails is not late: a disk
// that is full shows where it matters.
func (d *disk) watch(ctx context.Context) {
	defer func() { _ = d.file.Close() }()
	t := time.NewTicker(diskTick)
	defer t.Stop()
	page := make([]byte, 4096)
	for ctx.Err() == nil {
		d.since.Store(int64(time.Since(d.began)))
		if _, err := d.file.WriteAt(page, 0); err == nil {
			_ = d.file.Sync()
		}
		d.since.Store(0)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
}

// late is for how long the write under way has been waited for.
func (d *disk) late() time.Duration {
	since := d.since.Load()
	if since == 0 {
		return 0
	}
	return time.Since(d.began) - time.Duration(since)
}
