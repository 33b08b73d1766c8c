resource "datset" "d" {
}

resource "aws_instance" "i" {
  ami = "x"
}
