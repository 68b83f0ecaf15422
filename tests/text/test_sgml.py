from janus.text.sgml import segments


def test_segments_come_in_order_with_entities_resolved():
    lines = ['<doc docid="x">', '<hl><seg id="1"> AT&amp;T </seg></hl>', "<p>", '<seg id="2">a &lt; b</seg>', "</p>"]
    assert list(segments(lines)) == ["AT&T", "a < b"]


def test_an_entity_for_a_line_break_breaks_no_line():
    assert list(segments(['<seg id="1">a&#10;b&#13;&#x2028;c&#10;</seg>'])) == ["a b  c"]
