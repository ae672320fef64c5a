package orchestrators

import (
	"encoding/json"

	"github.com/invopop/jsonschema"

	"github.com/sagacheck/sagacheck/saga"
)

// Schema is the JSON Schema of manifests, for editors. It is published as
// orchestrators/orchestrator.schema.json.
func Schema() ([]byte, error) {
	r := jsonschema.Reflector{FieldNameTag: "yaml", ExpandedStruct: true, RequiredFromJSONSchemaTags: true}
	s := r.Reflect(&Manifest{})
	s.ID = "https://sagacheck.github.io/orchestrator.schema.json"
	s.Title = "A Sagacheck orchestrator"
	if p, ok := s.Properties.Get("capabilities"); ok {
		for _, c := range Capabilities {
			p.Items.Enum = append(p.Items.Enum, c.Name)
		}
	}
	if p, ok := s.Definitions["MappedReport"].Properties.Get("statuses"); ok {
		for _, st := range []saga.Status{saga.Running, saga.Compensating, saga.Completed, saga.Compensated, saga.Stuck, saga.EndedByHand} {
			p.AdditionalProperties.Enum = append(p.AdditionalProperties.Enum, st)
		}
	}
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}
