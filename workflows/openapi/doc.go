// Package openapi reads what an OpenAPI document (3.x, YAML or JSON) says of the
// operations of a service: method, path, and an answer that such a service would give.
//
// Goals: the answer of the document's own examples, with ids of its own for each effect.
// Non-goals: to validate documents, or requests against them.
package openapi
