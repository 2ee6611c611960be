package simulate

import (
	"bytes"
	"context"
	"image"
	"image/png"

	"befree.example/cmd/internal/gateway"
)

// Fetch implements [gateway.Gateway]: a grey picture, whatever was asked for: the addresses of scripts lead nowhere.
func (c *Carrier) Fetch(_ context.Context, _ gateway.Media) ([]byte, string, error) {
	picture := image.NewGray(image.Rect(0, 0, 64, 64))
	for i := range picture.Pix {
		picture.Pix[i] = uint8(i)
	}
	var b bytes.Buffer
	err := png.Encode(&b, picture)
	return b.Bytes(), "image/png", err
}
