@echo off
rem The ds command of this image. DS_PLUGINS: directories or jars of further modules, separated by
rem semicolons; DS_JAVA_OPTIONS: options of the virtual machine, separated by spaces.
setlocal
set "plugins="
if not defined DS_PLUGINS goto start
set plugins=--module-path "%DS_PLUGINS%"
"%~dp0java" -Xshare:auto -XX:+UseSerialGC -XX:TieredStopAtLevel=1 ^
    -m ds.cli/ds.cli.CheckPlugins %*
if errorlevel 1 exit /b %ERRORLEVEL%
:start
"%~dp0java" -Xshare:auto -XX:+UseParallelGC -Xmn64m --add-modules jdk.incubator.vector,ds.foreign ^
    --enable-native-access=ds.foreign --illegal-native-access=deny ^
    %plugins% %DS_JAVA_OPTIONS% -m ds.cli/ds.cli.Main %*
exit /b %ERRORLEVEL%
