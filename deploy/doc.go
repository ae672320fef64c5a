// Package deploy tests the files beside it: how runs and workers are put on Kubernetes and on
// Docker. It is a module of its own, since the types of Kubernetes' API are many.
package deploy
