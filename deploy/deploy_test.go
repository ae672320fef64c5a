package deploy

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// What is for Kubernetes are objects of its API, without a field that it does not know.
func TestObjectsOfKubernetes(t *testing.T) {
	kinds := map[string]func() (any, *corev1.PodSpec){
		"apps/v1 Deployment": func() (any, *corev1.PodSpec) { d := &appsv1.Deployment{}; return d, &d.Spec.Template.Spec },
		"batch/v1 Job":       func() (any, *corev1.PodSpec) { j := &batchv1.Job{}; return j, &j.Spec.Template.Spec },
	}
	for _, file := range []string{"shards.yaml", "workers.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for n, part := range bytes.Split(text, []byte("\n---\n")) {
			var head struct{ APIVersion, Kind string }
			if err := yaml.Unmarshal(part, &head); err != nil {
				t.Fatal(err)
			}
			kind, ok := kinds[head.APIVersion+" "+head.Kind]
			if !ok {
				t.Errorf("%s, object %d: %q %q: expected one of those of the test", file, n+1, head.APIVersion, head.Kind)
				continue
			}
			object, pod := kind()
			if err := yaml.UnmarshalStrict(part, object); err != nil {
				t.Errorf("%s, object %d: %v", file, n+1, err)
			}
			checkPod(t, file, pod)
		}
	}
}

// checkPod looks for what the API server would refuse, and the types don't.
func checkPod(t *testing.T, file string, pod *corev1.PodSpec) {
	t.Helper()
	for _, c := range pod.Containers {
		if c.Image == "" || c.Name == "" {
			t.Errorf("%s: a container has no name or image", file)
		}
		for _, m := range c.VolumeMounts {
			if !slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name }) {
				t.Errorf("%s: volume %q is mounted, and not there", file, m.Name)
			}
		}
	}
}

// A pod of an Indexed Job runs the part of its number, and there are as many as parts.
func TestShardsAreIndexed(t *testing.T) {
	text, err := os.ReadFile("shards.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var job batchv1.Job
	if err := yaml.UnmarshalStrict(text, &job); err != nil {
		t.Fatal(err)
	}
	args := strings.Join(job.Spec.Template.Spec.Containers[0].Args, " ")
	if m := job.Spec.CompletionMode; m == nil || *m != batchv1.IndexedCompletion || *job.Spec.Completions != 4 || !strings.Contains(args, "/4 --out") {
		t.Errorf("%v, %v, %q", m, job.Spec.Completions, args)
	}
}

// The compose file is one that docker compose reads.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: t.TempDir(), ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: text}},
	}, func(o *loader.Options) { o.SetProjectName("sagacheck", true) })
	if err != nil {
		t.Fatal(err)
	}
	if names := project.ServiceNames(); len(names) != 3 {
		t.Errorf("services %v", names)
	}
}
