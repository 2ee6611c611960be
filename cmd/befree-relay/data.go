package main

import "befree.example/cmd/internal/relay"

// dataFlags name a data folder and what opens it.
type dataFlags struct {
	Data       string `help:"The relay's data folder." placeholder:"DIR" required:""`
	KeyFile    string `help:"The master key, made at the first start; default beside the data folder: DIR.key." placeholder:"FILE"`
	KeyCommand string `help:"Command that prints the master key, as a store of secrets does; instead of a file. befree-relay key makes one to keep there." placeholder:"COMMAND"`
}

// key is where the master key comes from.
func (d dataFlags) key() relay.Key {
	k := relay.KeyFile(d.Data)
	if d.KeyFile != "" {
		k.File = d.KeyFile
	}
	k.Command = d.KeyCommand
	return k
}

// keepFlags tell how long everything is kept.
type keepFlags struct {
	Retention string `help:"How many days everything is kept, where no relay serves the folder; default as befree-relay privacy --days prints. A relay that serves it tells what it goes by." placeholder:"FILE"`
}
