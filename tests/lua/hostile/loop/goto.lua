-- killed: cpu-max
function attack() ::again:: goto again end
