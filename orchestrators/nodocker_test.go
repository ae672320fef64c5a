package orchestrators

import (
	"context"
	"strings"
	"testing"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

func TestNoDocker(t *testing.T) {
	u := &containerUnit{name: "mine", dial: func(ctx context.Context) (*testcontainers.DockerClient, error) {
		if _, err := dialDocker(ctx); err != nil {
			return nil, err
		}
		return testcontainers.NewDockerClientWithOpts(ctx, client.WithHost("unix:///no/such/socket"))
	}}
	err := u.start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no Docker daemon answers") || !strings.Contains(err.Error(), "docker.io and iptables") {
		t.Errorf("start: %v", err)
	}
	if err := u.stop(t.Context()); err != nil {
		t.Error(err)
	}
}
