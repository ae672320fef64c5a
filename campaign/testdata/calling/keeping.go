package calling

import (
	"encoding/json"
	"log"
	"os"
	"path/filepath"
)

// Keep writes an order down, all of it or nothing, in a file of the folder DATA.
func Keep(id string, order any) {
	text, err := json.Marshal(order)
	name := filepath.Join(os.Getenv("DATA"), id+".json")
	if err == nil {
		err = os.WriteFile(name+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(name+".new", name)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// Kept are the orders that were written down.
func Kept[O any]() (orders []*O) {
	files, err := filepath.Glob(filepath.Join(os.Getenv("DATA"), "*.json"))
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range files {
		o := new(O)
		text, err := os.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(text, o)
		}
		if err != nil {
			log.Fatal(err)
		}
		orders = append(orders, o)
	}
	return orders
}
