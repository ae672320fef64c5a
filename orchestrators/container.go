package orchestrators

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
)

// Container is an orchestrator that runs as a container on the host's network: it
// listens on 127.0.0.1 and reaches the participants' proxies there. In its command and
// environment ${dir} is the folder Data inside the container.
type Container struct {
	Image      string            `yaml:"image,omitempty" json:"image,omitempty" jsonschema:"description=Image to run"`
	Dockerfile string            `yaml:"dockerfile,omitempty" json:"dockerfile,omitempty" jsonschema:"description=A Dockerfile beside this file\\, whose folder is the build's context"`
	Files      map[string]string `yaml:"files,omitempty" json:"files,omitempty" jsonschema:"description=Files of the host that are copied into the container before its first start: host path (relative to the folder of this file) to container path"`
	Command    []string          `yaml:"command,omitempty" json:"command,omitempty"`
	Env        map[string]string `yaml:"env,omitempty" json:"env,omitempty"`
	Data       string            `yaml:"data,omitempty" json:"data,omitempty" jsonschema:"description=The folder inside the container that holds its store (default /data)"`
	Ready      Ready             `yaml:"ready,omitempty" json:"ready,omitempty"`
}

func (c *Container) validate() error {
	if (c.Image == "") == (c.Dockerfile == "") {
		return bad("container", "expected either image or dockerfile")
	}
	return nil
}

// dataDir is the folder inside the container where its store is.
func (c *Container) dataDir() string {
	if c.Data == "" {
		return "/data"
	}
	return c.Data
}

// containerUnit is a unit of a system that is a container.
type containerUnit struct {
	spec *Container
	name string // of the orchestrator
	req  testcontainers.ContainerRequest
	log  string // file, written when it died
	dial func(context.Context) (*testcontainers.DockerClient, error)

	mu       sync.Mutex
	c        *testcontainers.DockerContainer // nil: not made yet
	docker   *testcontainers.DockerClient
	expected bool // it does not run because we ended it
}

var _ unit = (*containerUnit)(nil)

// newContainer describes the container of a system. It is told the environment that every
// process is told, and finds the files that this speaks of where they are here.
func (s *started) newContainer(engine string, o Options) unit {
	c := s.manifest.Container
	inside := maps.Clone(s.vars)
	inside["dir"] = c.dataDir()
	binds := []string{s.vars["dir"] + ":" + c.dataDir()}
	for _, file := range o.Files {
		binds = append(binds, file+":"+file+":ro")
	}
	u := &containerUnit{spec: c, name: s.manifest.Name, log: filepath.Join(s.dir, "logs", "container.log"), dial: dialDocker}
	u.req = testcontainers.ContainerRequest{
		Image: c.Image,
		Cmd:   slices.Concat(inside.fillAll(c.Command), o.Args),
		Env:   map[string]string{},
		HostConfigModifier: func(h *container.HostConfig) {
			h.NetworkMode = "host"
			h.Binds = binds
		},
	}
	maps.Copy(u.req.Env, o.Env)
	for k, v := range c.Env {
		u.req.Env[k] = inside.fill(v)
	}
	if c.Dockerfile != "" {
		u.req.FromDockerfile = testcontainers.FromDockerfile{
			Context: engine, Dockerfile: c.Dockerfile, KeepImage: true,
			Repo: "sagacheck-" + s.manifest.Name, Tag: s.manifest.imageTag(),
		}
	}
	for from, to := range c.Files {
		if from = s.vars.fill(from); !filepath.IsAbs(from) {
			from = filepath.Join(engine, from)
		}
		u.req.Files = append(u.req.Files, testcontainers.ContainerFile{HostFilePath: from, ContainerFilePath: to, FileMode: 0o755})
	}
	return u
}

// imageTag is the tag of an image that is built here: the version and, where the manifest has
// a folder, that one, since two versions of one system may lie side by side. Every build
// takes the place of the one before it.
func (m *Manifest) imageTag() string {
	version := strings.Map(tagRune, m.Version)
	if m.source.path == "" {
		return version
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(m.source.path))
	return strings.TrimLeft(fmt.Sprintf("%s-%08x", version, h.Sum32()), ".-")
}

func tagRune(r rune) rune {
	if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789._-", r) {
		return r
	}
	return '-'
}

func (u *containerUnit) crashable() bool { return true }

// start makes the container the first time, and starts it again later: it keeps
// its files and its ports.
func (u *containerUnit) start(ctx context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.expected = false
	if u.c != nil {
		_, err := u.docker.ContainerStart(ctx, u.c.GetContainerID(), client.ContainerStartOptions{})
		return u.named(err)
	}
	docker, err := u.dial(ctx)
	if err != nil {
		return noDocker(err)
	}
	u.docker = docker
	if _, err := docker.Ping(ctx, client.PingOptions{}); err != nil {
		return noDocker(err)
	}
	c, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		ContainerRequest: u.req, Started: true, Logger: log.NewNoopLogger(),
	})
	u.c, _ = c.(*testcontainers.DockerContainer) // there may be one beside an error
	if err != nil && strings.Contains(err.Error(), "ryuk") {
		err = fmt.Errorf("%w (the reaper's image can't be had: set TESTCONTAINERS_RYUK_DISABLED=true)", err)
	}
	return u.named(err)
}

// Docker asks whether a Docker daemon answers; the error says what to do if none does.
func Docker(ctx context.Context) error {
	docker, err := dialDocker(ctx)
	if err != nil {
		return noDocker(err)
	}
	_, err = docker.Ping(ctx, client.PingOptions{})
	if err = errors.Join(err, docker.Close()); err != nil {
		return noDocker(err)
	}
	return nil
}

func dialDocker(ctx context.Context) (*testcontainers.DockerClient, error) {
	log.SetDefault(log.NewNoopLogger()) // it greets on stderr
	return testcontainers.NewDockerClientWithOpts(ctx)
}

func noDocker(err error) error {
	return fmt.Errorf("no Docker daemon answers: %w (install Docker, on Debian docker.io and iptables, and start dockerd; or set DOCKER_HOST)", err)
}

func (u *containerUnit) named(err error) error {
	if err != nil {
		err = fmt.Errorf("container %s: %w", u.name, err)
	}
	return err
}

// do runs something on the container, if there is one.
func (u *containerUnit) do(f func(id string) error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.c == nil {
		return u.named(errors.New("was never started"))
	}
	return u.named(f(u.c.GetContainerID()))
}

func (u *containerUnit) kill(ctx context.Context) error {
	return u.do(func(id string) error {
		u.expected = true
		if _, err := u.docker.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: "SIGKILL"}); err != nil {
			return err
		}
		return poll(ctx, stopGrace, func(ctx context.Context) error {
			st, err := u.c.State(ctx)
			if err == nil && st.Running {
				err = errors.New("still runs after SIGKILL")
			}
			return err
		}, func() error { return nil })
	})
}

func (u *containerUnit) pause(ctx context.Context) error {
	return u.do(func(id string) error {
		_, err := u.docker.ContainerPause(ctx, id, client.ContainerPauseOptions{})
		return err
	})
}

func (u *containerUnit) resume(ctx context.Context) error {
	return u.do(func(id string) error {
		_, err := u.docker.ContainerUnpause(ctx, id, client.ContainerUnpauseOptions{})
		return err
	})
}

// stop removes the container with its files.
func (u *containerUnit) stop(ctx context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	var err error
	if u.c != nil {
		err = u.c.Terminate(context.WithoutCancel(ctx), testcontainers.StopTimeout(time.Second))
		u.c = nil
	}
	if u.docker != nil {
		err = errors.Join(err, u.docker.Close())
		u.docker = nil
	}
	return u.named(err)
}

func (u *containerUnit) died() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.c == nil || u.expected {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	st, err := u.c.State(ctx)
	if err != nil {
		return u.named(err)
	}
	if st.Running {
		return nil
	}
	return fmt.Errorf("container %s died (exit status %d); the end of %s:\n%s", u.name, st.ExitCode, u.log, u.tail(ctx))
}

// tail saves the container's log and gives its end.
func (u *containerUnit) tail(ctx context.Context) string {
	r, err := u.c.Logs(ctx)
	if err != nil {
		return "\t(" + err.Error() + ")"
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err = errors.Join(err, os.WriteFile(u.log, b, 0o644)); err != nil {
		return "\t(" + err.Error() + ")"
	}
	return logTail(u.log)
}

func (u *containerUnit) ready(ctx context.Context, v vars, w *sender) error {
	r := u.spec.Ready
	return u.named(poll(ctx, r.Timeout(), func(ctx context.Context) error { return r.check(ctx, v, w) }, u.died))
}
