package orchestrators

import "errors"

// Container is an orchestrator that runs as a container, on the host's network:
// so it listens on 127.0.0.1 and reaches the participants' proxies there.
type Container struct {
	Image      string            `yaml:"image,omitempty" json:"image,omitempty" jsonschema:"description=Image to run"`
	Dockerfile string            `yaml:"dockerfile,omitempty" json:"dockerfile,omitempty" jsonschema:"description=Dockerfile in the installed engine's folder; builds the image"`
	Command    []string          `yaml:"command,omitempty" json:"command,omitempty"`
	Env        map[string]string `yaml:"env,omitempty" json:"env,omitempty"`
	Data       string            `yaml:"data,omitempty" json:"data,omitempty" jsonschema:"description=The folder inside the container that holds its store"`
	Ready      Ready             `yaml:"ready,omitempty" json:"ready,omitempty"`
}

func (c *Container) validate() error {
	if (c.Image == "") == (c.Dockerfile == "") {
		return &fieldError{"$.container", errors.New("expected either image or dockerfile")}
	}
	return nil
}

func (s *started) newContainer(string, []string) unit { return nil }
