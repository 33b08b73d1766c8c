locals {
  a = "value: ${[1, 2]}"
  b = "x ${null} y"
  c = "%{if true}x"
  d = "%{for x in 1}${x}%{endfor}"
  e = "${unknown_name}"
  f = "a %{else} b"
}
